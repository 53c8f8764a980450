module.exports = { ...require('../../jest.preset.cjs'), displayName: 'attacks', rootDir: __dirname };
