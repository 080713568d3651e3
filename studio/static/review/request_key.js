/* A name for one request that nobody else uses (header Idempotency-Key), so that it may be sent again safely.
   crypto.randomUUID exists on secure pages only; a studio in a local network is often plain http. */

export function requestKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
