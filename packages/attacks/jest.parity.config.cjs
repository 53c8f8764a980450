/** The long comparisons with the reference, `npm run test:parity`: all golden cases in full, all AutoAttack runs. */
process.env.REVAT_PARITY = '1';

module.exports = {
  ...require('./jest.config.cjs'),
  testMatch: ['<rootDir>/test/**/*.parity.ts', '<rootDir>/test/golden-*.test.ts'],
  testTimeout: 1_200_000,
};
