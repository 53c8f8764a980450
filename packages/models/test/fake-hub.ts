/** A local server that behaves as the Hugging Face hub does, as far as downloads need it; and a plain file server. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeHubOptions {
  /** Files of the one repository, owner/tiny. */
  readonly files: Readonly<Record<string, Uint8Array>>;
}

export const REPOSITORY = 'owner/tiny';
export const COMMIT = '0123456789abcdef0123456789abcdef01234567';

export class FakeHub {
  /** Requests so far: 'GET /path' with the Range that was asked for. */
  readonly requests: string[] = [];
  /** Break the connection after so many bytes of each of the next downloads. */
  breakAfter: number[] = [];
  /** SHA-256 to announce instead of the true one. */
  announced: string | undefined;
  /** Answer every download so, instead of with the file. */
  override: ((response: ServerResponse) => void) | undefined;
  /** Whether downloads may be continued. */
  ranges = true;
  etag = '"first"';
  private readonly server: Server;
  private readonly files: Readonly<Record<string, Uint8Array>>;

  constructor({ files }: FakeHubOptions) {
    this.files = files;
    this.server = createServer((request, response) => this.answer(request, response));
  }

  async start(): Promise<string> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const range = request.headers.range ?? '';
    this.requests.push(`${request.method} ${pathname}${range === '' ? '' : ` ${range}`}`);
    if (pathname.startsWith(`/api/models/${REPOSITORY}/revision/`)) return this.modelInfo(pathname, response);
    if (pathname.startsWith(`/api/models/${REPOSITORY}/paths-info/`))
      return this.pathsInfo(request, response);
    if (pathname.startsWith('/api/')) return json(response, 404, { error: 'Repository not found' });
    const name = pathname.replace(`/${REPOSITORY}/resolve/${COMMIT}/`, '').replace(/^\/files\//, '');
    this.file(request, response, this.files[name]);
  }

  private modelInfo(pathname: string, response: ServerResponse): void {
    const revision = pathname.split('/').at(-1);
    if (revision !== 'main' && revision !== COMMIT) return json(response, 404, { error: 'Invalid rev id' });
    const siblings = Object.keys(this.files).map((rfilename) => ({ rfilename }));
    json(response, 200, {
      _id: '1',
      id: REPOSITORY,
      sha: COMMIT,
      siblings,
      lastModified: '2026-01-01T00:00:00.000Z',
    });
  }

  private pathsInfo(request: IncomingMessage, response: ServerResponse): void {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const { paths } = JSON.parse(body) as { paths: string[] };
      const entries = paths
        .filter((path) => Object.hasOwn(this.files, path))
        .map((path) => {
          const content = this.files[path];
          const oid = this.announced ?? createHash('sha256').update(content).digest('hex');
          return {
            path,
            type: 'file',
            size: content.length,
            oid: COMMIT,
            lfs: { oid, size: content.length, pointerSize: 130 },
          };
        });
      json(response, 200, entries);
    });
  }

  private file(request: IncomingMessage, response: ServerResponse, content: Uint8Array | undefined): void {
    if (this.override !== undefined) return this.override(response);
    if (content === undefined) return json(response, 404, { error: 'Entry not found' });
    const asked = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const same = request.headers['if-range'] === undefined || request.headers['if-range'] === this.etag;
    const start = this.ranges && same ? asked : 0;
    const rest = content.subarray(start);
    response.writeHead(start > 0 ? 206 : 200, {
      'content-type': 'application/octet-stream',
      'content-length': rest.length,
      etag: this.etag,
      ...(start > 0 ? { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` } : {}),
    });
    const stop = this.breakAfter.shift();
    if (stop === undefined) response.end(rest);
    else response.write(rest.subarray(0, stop), () => setTimeout(() => response.destroy(), 50));
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
