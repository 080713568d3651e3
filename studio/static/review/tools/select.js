/* The arrow: a click selects the mask under it (Ctrl adds, Shift extends), a drag moves the picture. */

import { howToSelect } from "../keys.js";

const CLICK_SLACK = 4; // px a click may wander before it counts as a drag

export function createSelectTool({ store, stage, pointer, commands }) {
  return {
    cursor: "default",
    hover: (point) => store.set({ hovered: stage.trackAt(point) }),

    down(_, start) {
      let pan = null;
      return {
        move(point, event) {
          const far = Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) > CLICK_SLACK;
          if (!pan && far) pan = pointer.panGesture(start);
          pan?.move(point, event);
        },
        end(point, event) {
          if (pan) pan.end();
          else if (event) commands.click(stage.trackAt(point), howToSelect(event));
        },
      };
    },
  };
}
