/** The protocol client of Klatsch: everything a program needs from it. */
export { Api, type Page, type PageQuery } from "./api";
export { KlatschClient, randomId, type ClientEvents, type ClientOptions, type ConnectionState, type Identity } from "./client";
export { CLOSE_CODES, CODES, type CodeName, type Retry } from "./codes";
export type { FeedEvents, FeedState, RoomFeed } from "./feed";
export type { SocketLike } from "./link";
export type { Outgoing, OutgoingState } from "./outbox";
export * from "./protocol";
export { asRefusal, Refusal } from "./refusal";
