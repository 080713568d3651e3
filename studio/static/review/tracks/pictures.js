/* Small pictures of tracks, fetched only for rows that stay in sight, and anew when the track has changed.
   In: rows in sight. Out: the src of their images. A picture that cannot be had is left out. */

import { coverage } from "../timeline/spans.js";

const REST = 120; // ms without scrolling before anything is fetched
const HEIGHT = 64; // px, twice what is shown

export class Pictures {
  #timer = null;

  /** list: the VirtualList; address: (track id, query) -> url. */
  constructor(store, list, address) {
    Object.assign(this, { store, list, address });
  }

  /** Soon, once for many calls. */
  showSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#show(), REST);
  }

  #show() {
    const { tracks, video, verified, confidence, saving } = this.store.state;
    if (!video || !this.list.root.isConnected) return;
    if (saving?.pending) return this.showSoon(); // a track on the list may be gone by the time its picture is asked for
    const byId = new Map(tracks.map((track) => [track.id, track]));
    for (const [id, { picture }] of this.list.rows) {
      const track = byId.get(id);
      if (!track?.count) {
        picture.hidden = true;
        continue;
      }
      // r: tells addresses of different pictures apart; the server does not look at it
      const r = [track.count, track.first, confidence?.best[id] ?? "", coverage(verified?.[id] ?? [])].join("-");
      const url = this.address(video.id, id, { h: HEIGHT, r });
      if (picture.dataset.url === url) continue;
      picture.dataset.url = url;
      picture.hidden = false;
      picture.src = url;
    }
  }
}
