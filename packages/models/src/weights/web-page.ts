/** Whether bytes begin as HTML or XML does. */
export function isWebPage(head: Uint8Array): boolean {
  return /^\s*<(!doctype|html|head|\?xml)/i.test(String.fromCharCode(...head));
}
