//! The tables: append and scan over Delta Lake tables of events, spans and metric points.
