/** The protocol client of Klatsch: everything a program needs from it. */
export { Api, type Page, type PageQuery } from "./api";
export { KlatschClient, randomId, type ClientEvents, type ClientOptions } from "./client";
export { CLOSE_CODES, CODES, type CodeName, type Retry } from "./codes";
export type { ConnectionState, Identity } from "./connection";
export type { FeedEvents, FeedState, RoomFeed } from "./feed";
export type { Outgoing, OutgoingState } from "./outbox";
export * from "./protocol";
export { asRefusal, Refusal } from "./refusal";
export type { SocketLike } from "./socket-link";
export { WAYS, type Choice, type Way } from "./ways";
