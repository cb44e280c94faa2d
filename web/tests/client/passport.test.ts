import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Passport, type Grant } from "../../src/client/passport";
import { Refusal } from "../../src/client/refusal";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** Gives `t1`, `t2`, …, each good for so long. */
function renewal(lifeMs: number) {
  let count = 0;
  return vi.fn<() => Promise<Grant>>(async () => ({ token: `t${(count += 1)}`, lifeMs }));
}

test("a token that lasts is never asked for again", async () => {
  const renew = renewal(1000);
  const passport = new Passport({ token: "t0" }, renew);
  vi.advanceTimersByTime(1e9);
  expect(await passport.fresh()).toBe("t0");
  expect(renew).not.toHaveBeenCalled();
});

test("a token is replaced before it ends", async () => {
  const renew = renewal(600_000);
  const passport = new Passport({ token: "t0", lifeMs: 600_000 }, renew);
  vi.advanceTimersByTime(550_000);
  expect(await passport.fresh()).toBe("t0");
  vi.advanceTimersByTime(20_000);
  expect(await passport.fresh()).toBe("t1");
  expect(passport.leftMs).toBe(560_000);
});

test("however many need one at once, one is asked for", async () => {
  const renew = renewal(600_000);
  const passport = new Passport(undefined, renew);
  const tokens = await Promise.all([passport.fresh(), passport.fresh(), passport.fresh()]);
  expect(tokens).toEqual(["t1", "t1", "t1"]);
  expect(renew).toHaveBeenCalledTimes(1);
});

test("while a new one cannot be had, the old one is shown to its end", async () => {
  const later = new Refusal({ code: "auth_unavailable", message: "", retry: "later" });
  const passport = new Passport({ token: "t0", lifeMs: 100_000 }, () => Promise.reject(later));
  vi.advanceTimersByTime(90_000);
  expect(await passport.fresh()).toBe("t0");
  vi.advanceTimersByTime(10_000);
  await expect(passport.fresh()).rejects.toBe(later);
});

test("a login that has ended gives no token, not even one that is left", async () => {
  const passport = new Passport({ token: "t0", lifeMs: 100_000 }, () => Promise.reject(Refusal.unauthenticated()));
  vi.advanceTimersByTime(90_000);
  await expect(passport.fresh()).rejects.toMatchObject({ code: "unauthenticated" });
});

test("what another call has replaced already is not replaced again", async () => {
  const renew = renewal(600_000);
  const passport = new Passport({ token: "t0", lifeMs: 600_000 }, renew);
  expect(await passport.replace("t0")).toBe("t1");
  expect(await passport.replace("t0")).toBe("t1");
  expect(await passport.replace("t1")).toBe("t2");
});

test("without a way to renew the last token stays, and none replaces it", async () => {
  const passport = new Passport({ token: "t0", lifeMs: 10 });
  vi.advanceTimersByTime(20);
  expect(await passport.fresh()).toBe("t0");
  await expect(passport.replace("t0")).rejects.toMatchObject({ code: "unauthenticated" });
});
