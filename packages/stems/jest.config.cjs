module.exports = { ...require('../../jest.preset.cjs'), displayName: 'stems', rootDir: __dirname };
