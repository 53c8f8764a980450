/** Writes tensors as torch.save does (zip format, protocol 2), so that the benchmark needs no PyTorch. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';

/** `tensors`: iterable of [name, { shape, data: Float32Array }]. */
export function writePt(file, tensors) {
  const storages = [];
  const pickle = [Buffer.from('\x80\x02ccollections\nOrderedDict\n)R(', 'latin1')];
  for (const [name, { shape, data }] of tensors) {
    pickle.push(unicode(name), rebuildTensor(String(storages.length), shape, data.length));
    storages.push(data);
  }
  pickle.push(Buffer.from('u.'));
  const records = [['data.pkl', Buffer.concat(pickle)]];
  storages.forEach((data, key) => {
    records.push([`data/${key}`, Buffer.from(data.buffer, data.byteOffset, data.byteLength)]);
  });
  records.push(['version', Buffer.from('3\n')]);
  writeZip(
    file,
    records.map(([name, content]) => [`archive/${name}`, content]),
  );
}

function unicode(text) {
  const bytes = Buffer.from(text);
  const head = Buffer.alloc(5);
  head.write('X');
  head.writeUInt32LE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

function integer(value) {
  const bytes = Buffer.alloc(5);
  bytes.write('J');
  bytes.writeInt32LE(value, 1);
  return bytes;
}

function tuple(values) {
  return Buffer.concat([Buffer.from('('), ...values, Buffer.from('t')]);
}

function rebuildTensor(key, shape, length) {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const storage = tuple([
    unicode('storage'),
    Buffer.from('ctorch\nFloatStorage\n'),
    unicode(key),
    unicode('cpu'),
    integer(length),
  ]);
  const args = [
    storage,
    Buffer.from('Q'),
    integer(0),
    tuple(shape.map(integer)),
    tuple(strides.map(integer)),
    Buffer.from('\x89ccollections\nOrderedDict\n)R', 'latin1'),
  ];
  return Buffer.concat([Buffer.from('ctorch._utils\n_rebuild_tensor_v2\n'), tuple(args), Buffer.from('R')]);
}

function writeZip(file, records) {
  const handle = openSync(file, 'w');
  const directory = [];
  let position = 0;
  const write = (bytes) => {
    writeSync(handle, bytes);
    position += bytes.length;
  };
  for (const [name, content] of records) {
    const common = Buffer.alloc(26);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const entry = Buffer.alloc(16);
    entry.writeUInt32LE(position, 12);
    directory.push(
      Buffer.from('PK\x01\x02\x00\x00', 'latin1'),
      common.subarray(0, 24),
      entry,
      Buffer.from(name),
    );
    const padding = (64 - ((position + 30 + name.length) % 64)) % 64;
    common.writeUInt16LE(padding, 24);
    write(Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), Buffer.alloc(padding)]));
    write(content);
  }
  const start = position;
  const bytes = Buffer.concat(directory);
  write(bytes);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06');
  end.writeUInt16LE(records.length, 8);
  end.writeUInt16LE(records.length, 10);
  end.writeUInt32LE(bytes.length, 12);
  end.writeUInt32LE(start, 16);
  write(end);
  closeSync(handle);
}
