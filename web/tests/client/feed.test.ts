import { expect, test } from "vitest";
import type { RoomRecord } from "../../src/client";
import { Feed } from "../../src/client/feed";

const record = (seq: number): RoomRecord => ({
  room: "r",
  seq,
  kind: "message",
  sender: { id: "u", nickname: "u" },
  at: "2026-01-01T00:00:00.000Z",
  body: `message ${seq}`,
});
const records = (...seqs: number[]) => seqs.map(record);
const seqsOf = (feed: Feed) => feed.records.map(({ seq }) => seq);

function begun(seq: number): Feed {
  const feed = new Feed("r");
  feed.begin([], { epoch: "e", seq });
  return feed;
}

test("a record that comes twice is shown once", () => {
  const feed = begun(0);
  feed.accept(records(1, 2));
  feed.accept(records(2, 1, 3));
  expect(seqsOf(feed)).toEqual([1, 2, 3]);
});

test("records in any order come out in order, and nothing is shown above a gap", () => {
  const feed = begun(0);
  feed.accept(records(3));
  feed.accept(records(1));
  expect(seqsOf(feed)).toEqual([1]);
  expect(feed.hasGap).toBe(true);
  feed.accept(records(2));
  expect(seqsOf(feed)).toEqual([1, 2, 3]);
  expect(feed.hasGap).toBe(false);
});

test("any interleaving with repeats gives the same list", () => {
  for (let seed = 1; seed <= 50; seed += 1) {
    const feed = begun(0);
    let state = seed;
    const next = () => {
      state = (state * 1103515245 + 12345) % 2147483648;
      return state;
    };
    const pool = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ...Array.from({ length: 20 }, () => (next() % 10) + 1)];
    for (const seq of pool.toSorted(() => (next() % 2) - 0.5)) feed.accept(records(seq));
    expect(seqsOf(feed)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  }
});

test("a first page begins the window where the page begins", () => {
  const feed = new Feed("r");
  feed.begin(records(41, 42), { epoch: "e", seq: 42 });
  expect(feed.position).toEqual({ epoch: "e", seq: 42 });
  expect(feed.firstSeq).toBe(41);
  expect(feed.hasOlder).toBe(true);
});

test("older pages are put before the window only when they touch it", () => {
  const feed = new Feed("r");
  feed.begin(records(41, 42), { epoch: "e", seq: 42 });
  feed.prepend(records(30, 31));
  expect(seqsOf(feed)).toEqual([41, 42]);
  feed.prepend(records(39, 40, 41));
  expect(seqsOf(feed)).toEqual([39, 40, 41, 42]);
});

test("while held, nothing is shown; released, everything is, once", () => {
  const feed = begun(0);
  feed.accept(records(5));
  feed.hold();
  feed.accept(records(2, 1));
  expect(seqsOf(feed)).toEqual([]);
  feed.release();
  expect(seqsOf(feed)).toEqual([1, 2]);
  // What had come ahead over the link before is brought again by the new subscription.
  expect(feed.hasGap).toBe(false);
});

test("what is forgotten at the beginning can be loaded again", () => {
  const feed = begun(0);
  feed.accept(records(1, 2, 3, 4));
  feed.forgetOlder(2);
  expect(seqsOf(feed)).toEqual([3, 4]);
  expect(feed.hasOlder).toBe(true);
  feed.prepend(records(1, 2));
  expect(seqsOf(feed)).toEqual([1, 2, 3, 4]);
});
