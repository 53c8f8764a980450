module.exports = { ...require('../../jest.preset.cjs'), displayName: 'robustbench', rootDir: __dirname };
