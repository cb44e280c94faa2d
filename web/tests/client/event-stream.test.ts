import { expect, test } from "vitest";
import { EventStream } from "../../src/client/event-stream";

const TEXT = ": heart-beat\n\nevent: joined\ndata: {}\n\nid: e:1\r\nevent: record\r\ndata: {\"body\":\"안녕: 1\"}\r\n\r\ndata:a\ndata: b\rdata\n\nevent: none\n\n";
const EVENTS = [
  { name: "joined", data: "{}" },
  { name: "record", data: '{"body":"안녕: 1"}' },
  { name: "message", data: "a\nb\n" },
];

test("events are the same however their text is cut into pieces", () => {
  expect(new EventStream().take(TEXT)).toEqual(EVENTS);
  for (let size = 1; size < TEXT.length; size += 1) {
    const stream = new EventStream();
    const found = [];
    for (let at = 0; at < TEXT.length; at += size) found.push(...stream.take(TEXT.slice(at, at + size)));
    expect(found, `in pieces of ${size}`).toEqual(EVENTS);
  }
});

test("what is not complete is no event yet", () => {
  const stream = new EventStream();
  expect(stream.take("event: record\ndata: {}\n")).toEqual([]);
  expect(stream.take("\n")).toEqual([{ name: "record", data: "{}" }]);
});
