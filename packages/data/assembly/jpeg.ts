/**
 * Baseline JPEG decoding on WebAssembly SIMD, to the bit what libjpeg-turbo gives with its defaults: accurate integer inverse
 * DCT (Loeffler, Ligtenberg and Moschytz, ICASSP 1989), triangle ("fancy") chroma upsampling, 16-bit fixed-point colours.
 * Anything unusual makes a function return a failure; the caller then decodes by other means.
 */
export { combine, combineGray } from './jpeg-colors';
export { decodeScan } from './jpeg-entropy';
export { AC_TABLES, prepareCodes, preparePairs } from './jpeg-tables';
export { unstuff } from './jpeg-unstuff';
