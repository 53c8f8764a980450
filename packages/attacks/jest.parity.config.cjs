/** The long comparisons with the reference: `npm run test:parity`. */
module.exports = {
  ...require('./jest.config.cjs'),
  testMatch: ['<rootDir>/test/**/*.parity.ts'],
  testTimeout: 1_200_000,
};
