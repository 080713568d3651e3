/* Names and times in words, for notes. In: tracks, users, times. Out: text. */

export function nameOf(tracks, id) {
  const track = tracks.find((one) => one.id === id);
  return track?.category ? `${track.category} ${id}` : `track ${id}`;
}

/** Who somebody is to the one who looks: "local" is whoever has not said their name. */
export function personOf(user, { me }) {
  if (user === me) return me === "local" ? "You" : `${user} (you)`;
  return user === "local" ? "Somebody" : user;
}

export const STATES = { to_do: "To do", in_work: "In work", done: "Done", accepted: "Accepted", returned: "Returned" };

/** From a state to others, as buttons; the server knows the same ways and refuses the rest. */
export const WAYS = {
  to_do: [["in_work", "Start work"], ["done", "Hand in"]],
  in_work: [["done", "Hand in"], ["to_do", "Put back"]],
  done: [["accepted", "Accept"], ["returned", "Return…"], ["in_work", "Work on"]],
  returned: [["in_work", "Work on"], ["done", "Hand in"]],
  accepted: [["returned", "Return…"], ["in_work", "Open again"]],
};
