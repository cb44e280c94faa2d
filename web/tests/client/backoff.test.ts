import { expect, test } from "vitest";
import { Backoff } from "../../src/client/backoff";

test("waits grow to the cap and lie between half and the whole of their step", () => {
  for (const random of [0, 0.5, 0.999]) {
    const backoff = new Backoff({ baseMs: 100, capMs: 1000, random: () => random });
    const waits = Array.from({ length: 6 }, () => backoff.next());
    const steps = [100, 200, 400, 800, 1000, 1000];
    for (const [index, wait] of waits.entries()) {
      const step = steps[index] ?? 0;
      expect(wait).toBeGreaterThanOrEqual(step / 2);
      expect(wait).toBeLessThanOrEqual(step);
    }
  }
});

test("the server's wish is a lower bound, spread a little", () => {
  const backoff = new Backoff({ baseMs: 100, capMs: 1000, random: () => 0.5 });
  expect(backoff.next(5000)).toBe(5050);
});

test("after a reset the waits start small again", () => {
  const backoff = new Backoff({ baseMs: 100, capMs: 1000, random: () => 0.999 });
  backoff.next();
  backoff.next();
  backoff.reset();
  expect(backoff.next()).toBeLessThanOrEqual(100);
});
