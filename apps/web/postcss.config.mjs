// Tailwind is the only transformation of style sheets.
const config = { plugins: { '@tailwindcss/postcss': {} } };
export default config;
