/* The colour in which lists and timeline show a track, by the state key `colorBy`.
   In: a track of the list and the state. Out: "#rrggbb", the colour its usual mask has on the stage. */

import { colorOf } from "../display/colors.js";

export const trackColor = (track, state) => colorOf(track, track, state);
