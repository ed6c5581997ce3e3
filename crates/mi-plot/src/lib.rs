//! Line charts, bands and heat maps as accessible, theme-aware SVG.
