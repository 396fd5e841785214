/** Puts the review page together: configuration in, editor out. What it does is in the modules it joins. */

import { Editor } from "review/editor";
import { runCommands } from "review/commands";
import { showSaving } from "review/save-state";

const config = JSON.parse(document.getElementById("review-config").textContent);
const editor = new Editor(config);
runCommands(editor);
showSaving(editor);
editor.start();
