const path = require('node:path');

/** Jest settings that every package shares. Sources and built packages alike are compiled to CommonJS by swc. */
module.exports = {
  testEnvironment: path.join(__dirname, 'tools/jest/native-environment.cjs'),
  testMatch: ['<rootDir>/src/**/*.test.ts', '<rootDir>/test/**/*.test.ts'],
  transform: {
    '^.+\\.[jt]s$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
  },
  transformIgnorePatterns: ['/node_modules/(?!(@huggingface)/)'],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^onnxruntime-node$': path.join(__dirname, 'tools/jest/outer-realm/onnxruntime-node.cjs'),
    '^onnxruntime-node/dist/binding$': path.join(__dirname, 'tools/jest/outer-realm/onnxruntime-binding.cjs'),
    '^onnxruntime-node/dist/binding\\.js$': path.join(
      __dirname,
      'tools/jest/outer-realm/onnxruntime-binding.cjs',
    ),
    '^sharp$': path.join(__dirname, 'tools/jest/outer-realm/sharp.cjs'),
  },
  moduleFileExtensions: ['ts', 'js', 'cjs', 'mjs', 'json', 'node'],
  testTimeout: 60000,
};
