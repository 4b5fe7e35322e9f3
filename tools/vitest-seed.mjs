// Vitest setup: property tests draw the same values in every run. Another seed looks elsewhere: TEST_SEED=2 npm test.
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env['TEST_SEED'] ?? 1) });
