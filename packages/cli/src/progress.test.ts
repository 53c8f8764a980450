import { Writable } from 'node:stream';

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';

import { createProgress, formatDuration } from './progress.js';

test.each([
  [0, '0:00'],
  [65, '1:05'],
  [3725.4, '1:02:05'],
  [-3, '0:00'],
])('formatDuration(%p) is %p', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

describe('where no terminal watches', () => {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  }) as unknown as NodeJS.WriteStream;

  beforeEach(() => {
    text = '';
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('plain lines, at most one every 15 seconds, with rate and time left', () => {
    const progress = createProgress(stream);
    progress.start('attack', 100, 'images');
    progress.update(1);
    jest.advanceTimersByTime(20_000);
    progress.update(50, 'square');
    progress.update(51);
    progress.stop();
    progress.line('done');
    expect(text).toBe('attack: 50 %, 2.5 images/s, 0:20 left, square\ndone\n');
  });
});
