/** Which room an id stands for, and what it is called. */
import type { Room } from "../../client";
import { ownRooms } from "./own-rooms";
import { rooms } from "./rooms";

/** A room for two is called as the other one is. */
export function titleOf(room: Room): string {
  return room.with?.nickname ?? room.name;
}

/** The room as it is best known: the list of all is told of changes at once, that of the own ones later. */
export function findRoom(id: string): Room | undefined {
  const own = ownRooms.value.find((one) => one.id === id);
  const listed = rooms.value.find((one) => one.id === id);
  return own === undefined ? listed : { ...own, ...listed };
}
