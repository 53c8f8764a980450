/** The steps of attacks that run for every pixel of every image, on WebAssembly: entry point of the compiled module. */
export { climb } from './climb';
export { combine, distanceAlong } from './fab-step';
export { layOut, project, setNormal } from './plane-projection';
