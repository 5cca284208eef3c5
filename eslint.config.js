import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["**/.venv/", "**/venv/", "data/"] },
  js.configs.recommended,
  {
    files: ["studio/ui/assets/**/*.js"],
    languageOptions: { globals: globals.browser },
    rules: { "max-lines": ["error", 400] },
  },
];
