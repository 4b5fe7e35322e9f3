/** The version of the kit, as in its package.json: `tools/kit-version.mjs` writes it here when packages get a new one. */
export const KIT_VERSION = '0.1.0';
