// The entry: loads the views, then mounts those that Gradio has built already.

import "../create/adapters.js";
import "../create/apply_settings.js";
import "../create/checkpoints.js";
import "../create/create.js";
import "../create/form.js";
import "../gallery/gallery.js";
import "../header/header.js";
import "../picture/picture.js";
import "../queue/queue.js";
import "../system/system.js";
import { mount } from "./components.js";
import { emit } from "./events.js";
import { page } from "./page.js";

const waiting = window.studio.waiting ?? [];
window.studio = {
  mount,
  emit,
  get private() {
    return page.private;
  },
};
for (const [name, it] of waiting) mount(name, it);
