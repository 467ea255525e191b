-- One row of a school's table, which may hold no NUL character; "row" is Xporter's own object. Views give columns to those who want them:
--   CREATE VIEW pupils AS SELECT estab, row->>'Id' AS id, row->>'YearGroup' AS year_group
--   FROM xporter_rows WHERE dataset = 'students' AND table_name = 'Students';
CREATE TABLE IF NOT EXISTS xporter_rows (
    estab text NOT NULL,
    dataset text NOT NULL,
    table_name text NOT NULL,
    identity text NOT NULL,
    row jsonb NOT NULL,
    PRIMARY KEY (estab, dataset, table_name, identity)
);

-- How far each dataset has been followed; written in the transaction of the rows.
CREATE TABLE IF NOT EXISTS xporter_cursors (
    estab text NOT NULL,
    dataset text NOT NULL,
    cursor_text text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (estab, dataset)
);
