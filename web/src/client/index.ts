/** The protocol client of Klatsch: everything a program needs from it. */
export { Api, type Page, type PageQuery } from "./api";
export { Caller } from "./caller";
export { KlatschClient, randomId, type ClientEvents, type ClientOptions, type Identity } from "./client";
export { CLOSE_CODES, CODES, type CodeName, type Retry } from "./codes";
export type { ConnectionState } from "./connection";
export type { FeedEvents, FeedState, RoomFeed } from "./feed";
export type { Outgoing, OutgoingState } from "./outbox";
export type { Grant } from "./passport";
export * from "./protocol";
export { asRefusal, Refusal } from "./refusal";
export type { SocketLike } from "./socket-link";
export { WAYS, type Choice, type Way } from "./ways";
