// The views that scripts build: each gr.HTML mounts one from its js_on_load, `studio.mount('gallery', {...})`.

/** @type {Map<string, (component: Component) => void>} */
const builders = new Map();

/**
 * Register the function that builds a view.
 * @param {string} name
 * @param {(component: Component) => void} build
 */
export function component(name, build) {
  builders.set(name, build);
}

/**
 * Build a view in a gr.HTML.
 * @param {string} name
 * @param {Component} it
 */
export function mount(name, it) {
  builders.get(name)?.(it);
}
