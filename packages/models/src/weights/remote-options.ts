/** How weights are fetched from a URL or the Hugging Face hub. */
export interface RemoteOptions {
  /** SHA-256 that the file must have, as 64 hexadecimal digits. Hub files are always checked against the hub's own. */
  readonly sha256?: string;
  /** Where downloads are kept (Node). Default for the hub: its usual cache, shared with Python; for URLs: ~/.cache/revat. */
  readonly cacheDir?: string;
  /** Another address of the hub. Default $HF_ENDPOINT, else https://huggingface.co. */
  readonly hubUrl?: string;
  /** Called as bytes arrive. */
  readonly onProgress?: (progress: { readonly loaded: number; readonly total: number | undefined }) => void;
  /** Stops a download; what has arrived is kept, and the next call continues there. */
  readonly signal?: AbortSignal;
}

export const DEFAULT_HUB_URL = 'https://huggingface.co';
