/* Where the videos of a project stand in review, for the cards of the Library: state, whose it is, open notes, what is verified.

   In: a project and its videos as the server lists them. Out: by video id. How much is verified is asked for only when a video has
   changed, one video at a time. */

import { get } from "./api.js";
import { element } from "./dom.js";

/* The state of the review of a video that a model has run on, as [words, kind of badge]. */
export const STANDING = {
  to_do: ["To review", "predicted"],
  in_work: ["In review", "running"],
  done: ["Done", "done"],
  accepted: ["Accepted", "done"],
  returned: ["Returned", "predicted"],
};
const progress = new Map(); // video id -> {rev, share}

/* Map of video id -> {state, assignee, open_comments, share (0..1 or null)}. `learned` is called when more became known. */
export async function reviewsOf(project, videos, learned) {
  const { reviews } = await get(`/projects/${project}/reviews`);
  const outdated = videos.filter(({ id, rev, run }) => run && progress.get(id)?.rev !== rev);
  if (outdated.length) learn(outdated).then(learned);
  return new Map(reviews.map((review) => [review.video_id, { ...review, share: progress.get(review.video_id)?.share ?? null }]));
}

let learning = null;

function learn(videos) {
  learning ??= (async () => {
    for (const { id, rev } of videos) {
      const known = await get(`/videos/${id}/progress`).catch(() => null); // deleted meanwhile, or no answer
      progress.set(id, { rev, share: known?.masks ? known.verified_masks / known.masks : null });
    }
  })().finally(() => (learning = null));
  return learning;
}

/* One line for a card: who has it, notes, what is verified, which is a thin bar too. */
export function reviewLine(review) {
  const { assignee, open_comments: notes, share } = review ?? {};
  const words = [
    assignee,
    notes ? `${notes} ${notes === 1 ? "note" : "notes"}` : null,
    share == null ? null : `${percent(share)} % verified`,
  ].filter(Boolean);
  const bar = share == null ? null : element("span.verified", { "aria-hidden": "true" }, element("i", { style: `width: ${100 * share}%` }));
  if (!words.length) return null;
  return element("div.review-line", {}, element("span.muted", {}, words.join(" · ")), bar);
}

/* Never 100 before all is, never 0 once something is. */
function percent(share) {
  if (share === 0 || share === 1) return 100 * share;
  return Math.min(99, Math.max(1, Math.round(100 * share)));
}
