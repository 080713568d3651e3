/* The tools on the stage as a feature: keys, the group of buttons, the strip with the options of the one in use.
   In: the parts of the page. Out: {bindings, toolbar, stage}, see features.js. */

import { createSelectTool } from "./select.js";
import { createStrokeTools } from "./stroke.js";

export function createTools(parts) {
  const { pointer } = parts;
  const tools = { select: createSelectTool(parts), ...createStrokeTools(parts) };
  for (const [name, tool] of Object.entries(tools)) pointer.addTool(name, tool);
  return {};
}
