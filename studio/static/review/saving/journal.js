/* What was done and is not yet on the server, kept by the browser (IndexedDB) so that a reload, a crash or a night without the
   studio loses nothing. In: records, plain objects with a unique `key`. Out: promises; records come back in the order they were
   kept. Sends nothing. Without IndexedDB it keeps nothing and says so (`kept` is false). */

const DATABASE = "ctvis-studio";
const CHANGES = "changes";

export class Journal {
  #opening = null;

  /** Keeps a record; resolves to whether it is safely kept. */
  add(record) {
    return this.#write((changes) => changes.add(record));
  }

  remove(key) {
    return this.#alter((changes, entry) => entry.key === key && changes.delete(entry.number));
  }

  /** A mask is on the server: its record goes, and those that wait for the same mask build on the new revision. */
  settle({ key, video, track, frame }, rev) {
    const same = (entry) => entry.video === video && entry.track === track && entry.frame === frame;
    return this.#alter((changes, entry) => {
      if (entry.key === key) changes.delete(entry.number);
      else if (entry.kind === "mask" && same(entry)) changes.put({ ...entry, rev });
    });
  }

  /** Puts one record in the place of others, all or nothing. */
  replace(keys, record) {
    const gone = new Set(keys);
    return this.#alter((changes, entry) => gone.has(entry.key) && changes.delete(entry.number), record);
  }

  /** The records are looked after by another tab from now on. */
  adopt(keys, tab) {
    const mine = new Set(keys);
    return this.#alter((changes, entry) => mine.has(entry.key) && changes.put({ ...entry, tab }));
  }

  /** All records of all tabs and videos, oldest first. */
  async all() {
    const database = await this.#open();
    if (!database) return [];
    return asked(database.transaction(CHANGES).objectStore(CHANGES).getAll());
  }

  /** Calls change(store, entry) for every record, then adds another one, in one transaction. */
  #alter(change, added = null) {
    return this.#write((changes) => {
      changes.getAll().onsuccess = ({ target }) => {
        for (const entry of target.result) change(changes, entry);
        if (added) changes.add(added);
      };
    });
  }

  async #write(work) {
    const database = await this.#open();
    if (!database) return false;
    return new Promise((resolve) => {
      const transaction = database.transaction(CHANGES, "readwrite", { durability: "strict" });
      transaction.oncomplete = () => resolve(true);
      transaction.onabort = transaction.onerror = () => resolve(false); // a full disk: told as "not kept"
      work(transaction.objectStore(CHANGES));
    });
  }

  #open() {
    this.#opening ??= new Promise((resolve) => {
      if (!globalThis.indexedDB) return resolve(null);
      const request = indexedDB.open(DATABASE, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(CHANGES, { keyPath: "number", autoIncrement: true });
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => resolve(null);
      return undefined;
    });
    return this.#opening;
  }
}

function asked(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
