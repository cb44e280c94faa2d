/**
 * Keeps what is being read where it is while rows come and go around it.
 * It reads and sets scroll offsets; which rows exist is decided elsewhere.
 */

/** This close to the end, in pixels, counts as being there. */
const AT_END = 32;

export class ScrollKeeper {
  /** Whether the newest row is in view, and stays so. */
  pinned = true;
  #anchor: { key: string; offset: number } | undefined;

  /** Notes where the reader is; to be called on each scroll. */
  remember(scroller: HTMLElement, atNewest: boolean): void {
    const distance = scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop;
    this.pinned = atNewest && distance <= AT_END;
    this.#anchor = anchorOf(scroller);
  }

  /** Puts the reader back there; to be called whenever rows or sizes changed. */
  restore(scroller: HTMLElement): void {
    if (this.pinned) {
      scroller.scrollTop = scroller.scrollHeight;
      return;
    }
    const row = this.#anchor && rowOf(scroller, this.#anchor.key);
    if (row === undefined || this.#anchor === undefined) return;
    const moved = row.offsetTop - scroller.scrollTop - this.#anchor.offset;
    if (moved !== 0) scroller.scrollTop += moved;
  }
}

/** The first row that is at least partly in view. */
function anchorOf(scroller: HTMLElement): { key: string; offset: number } | undefined {
  const rows = scroller.querySelectorAll<HTMLElement>("[data-key]");
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = rows[middle];
    if (row !== undefined && row.offsetTop + row.offsetHeight <= scroller.scrollTop) low = middle + 1;
    else high = middle;
  }
  const row = rows[low];
  // The lines between messages change with what is loaded above them; a message stays what it is.
  const steady = row?.matches(".row-message") === false ? (rows[low + 1] ?? row) : row;
  if (steady === undefined) return undefined;
  return { key: steady.dataset["key"] ?? "", offset: steady.offsetTop - scroller.scrollTop };
}

function rowOf(scroller: HTMLElement, key: string): HTMLElement | undefined {
  return scroller.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`) ?? undefined;
}
