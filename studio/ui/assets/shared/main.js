// The entry: loads every part of the page, then mounts the parts that Gradio has built already.

import { studio } from "./studio.js";
import "./parts.js";
import "../create/adapters.js";
import "../create/captioning.js";
import "../create/form.js";
import "../create/source_image.js";
import "../create/stage.js";
import "../create/steps.js";
import "../create/create.js";
import "../gallery/bulk.js";
import "../gallery/collections.js";
import "../gallery/export.js";
import "../gallery/grid.js";
import "../gallery/import.js";
import "../gallery/pagination.js";
import "../gallery/reorder.js";
import "../gallery/selection.js";
import "../gallery/suggest.js";
import "../gallery/trash.js";
import "../gallery/gallery.js";
import "../header/private.js";
import "../header/header.js";
import "../picture/actions.js";
import "../picture/ancestry.js";
import "../picture/compare.js";
import "../picture/picture.js";
import "../queue/queue.js";
import "./suggest.js";
import "../system/system.js";

const waiting = window.studio.waiting;
window.studio = studio;
for (const [name, it] of waiting) studio.mount(name, it);
