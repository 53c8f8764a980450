import type { Region } from './image-dataset.js';
import type { JpegHeaders } from './jpeg-headers.js';

/** MCUs (blocks of all components that are stored together) of an image, and those of them that are needed. */
export interface McuGrid {
  /** Size of an MCU in pixels. */
  readonly mcuWidth: number;
  readonly mcuHeight: number;
  readonly columns: number;
  readonly rows: number;
  /** The needed ones: from (left, top) up to (right, bottom). */
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Pixels around a region that its chroma is interpolated from. */
const CHROMA_REACH = 2;

/** The MCUs of an image, and which of them a region needs: without one, all. */
export function mcuGrid({ width, height, components }: JpegHeaders, region?: Region): McuGrid {
  // A single component comes block by block, whatever its sampling factors.
  const [{ horizontal, vertical }] = components.length === 1 ? [{ horizontal: 1, vertical: 1 }] : components;
  const mcuWidth = 8 * horizontal;
  const mcuHeight = 8 * vertical;
  const columns = Math.ceil(width / mcuWidth);
  const rows = Math.ceil(height / mcuHeight);
  const box = region?.(width, height) ?? { left: 0, top: 0, width, height };
  const first = (start: number, size: number) => Math.max(0, Math.floor((start - CHROMA_REACH) / size));
  const end = (stop: number, size: number, count: number) =>
    Math.min(count, Math.ceil((stop + CHROMA_REACH) / size));
  return {
    mcuWidth,
    mcuHeight,
    columns,
    rows,
    left: first(box.left, mcuWidth),
    top: first(box.top, mcuHeight),
    right: end(box.left + box.width, mcuWidth, columns),
    bottom: end(box.top + box.height, mcuHeight, rows),
  };
}
