package db

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"tminus/phases/lint"
)

// takenKey is a foreign key that is taken out for a TRUNCATE and put back.
type takenKey struct {
	lint.SweptKey
	table, called string
	add, remark   string // what makes it again: its definition and its comment
	was           string // all that it was
}

// keyPicture is all that a foreign key is, but for the numbers that the server gave
// to it and to its triggers.
const keyPicture = `SELECT pg_get_constraintdef(con.oid), coalesce(obj_description(con.oid, 'pg_constraint'), ''),
	concat_ws(' ', con.convalidated, con.condeferrable, con.condeferred, con.conkey, con.confkey, con.conpfeqop, con.conppeqop, con.conffeqop, con.confupdtype, con.confdeltype, con.confmatchtype,
		con.conislocal, con.coninhcount, con.connoinherit, con.confrelid, con.conindid, to_jsonb(con) ->> 'confdelsetcols', to_jsonb(con) ->> 'conenforced',
		(SELECT string_agg(concat_ws('/', t.tgrelid, t.tgfoid, t.tgtype, t.tgenabled, t.tgdeferrable, t.tginitdeferred), ',' ORDER BY t.tgrelid, t.tgfoid, t.tgtype) FROM pg_trigger t WHERE t.tgconstraint = con.oid)),
	coalesce((SELECT bool_and(t.tgenabled = 'O') FROM pg_trigger t WHERE t.tgconstraint = con.oid), true)
		AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.refclassid = 'pg_constraint'::regclass AND d.refobjid = con.oid AND d.classid <> 'pg_trigger'::regclass)
		AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_constraint'::regclass AND d.objid = con.oid AND d.deptype = 'e')
FROM pg_constraint con WHERE con.contype = 'f' AND con.conrelid = $1 AND con.conname = $2`

// picture reads what a key is now.
func (x *tx) picture(ctx context.Context, k takenKey) (definition, remark, all string, plain bool, err error) {
	err = x.s.QueryRow(ctx, keyPicture, k.From, k.Name).Scan(&definition, &remark, &all, &plain)
	return definition, remark, definition + "\n" + remark + "\n" + all, plain, err
}

// keysAsTheyWere writes down what the keys are that are to be taken out.
func (s *sweeping) keysAsTheyWere(ctx context.Context) (why string, err error) {
	for i := range s.taken {
		k := &s.taken[i]
		definition, remark, all, plain, err := s.x.picture(ctx, *k)
		if err != nil {
			return "", fmt.Errorf("read foreign key %s of %s: %w", k.Name, k.called, err)
		}
		if !plain {
			return fmt.Sprintf("foreign key %s of %s is not as PostgreSQL makes one, or something rests on it", k.Name, k.called), nil
		}
		k.add, k.remark, k.was = definition, remark, all
	}
	return "", nil
}

// setNull takes the references away, as the key would for each row that goes.
func (x *tx) setNull(ctx context.Context, k takenKey) error {
	var sets []string
	for _, c := range k.Columns {
		sets = append(sets, pgx.Identifier{c.Name}.Sanitize()+" = NULL")
	}
	return x.t.long(ctx, x.s, func(ctx context.Context, l long) error {
		_, err := l.one(ctx, "UPDATE ONLY "+k.table+" SET "+strings.Join(sets, ", ")+" WHERE "+refers(k.Key))
		return err
	})
}

func (s *sweeping) takeKeysOut(ctx context.Context) error {
	for _, k := range s.taken {
		if _, err := s.x.s.Exec(ctx, "ALTER TABLE "+k.table+" DROP CONSTRAINT "+pgx.Identifier{k.Name}.Sanitize()+" RESTRICT"); err != nil {
			return fmt.Errorf("take out foreign key %s of %s: %w", k.Name, k.called, err)
		}
	}
	return nil
}

// putKeysBack makes the keys again, which looks at all rows that refer, and compares
// what they are with what they were.
func (s *sweeping) putKeysBack(ctx context.Context) error {
	return s.x.t.long(ctx, s.x.s, func(ctx context.Context, l long) error {
		for _, k := range s.taken {
			s.doing("put foreign key " + k.Name + " of " + k.called + " back")
			name := pgx.Identifier{k.Name}.Sanitize()
			if _, err := l.one(ctx, "ALTER TABLE "+k.table+" ADD CONSTRAINT "+name+" "+k.add); err != nil {
				return fmt.Errorf("put back foreign key %s of %s: %w", k.Name, k.called, err)
			}
			if k.remark != "" {
				if _, err := l.one(ctx, "COMMENT ON CONSTRAINT "+name+" ON "+k.table+" IS '"+strings.ReplaceAll(k.remark, "'", "''")+"'"); err != nil {
					return fmt.Errorf("put back the comment of foreign key %s of %s: %w", k.Name, k.called, err)
				}
			}
			_, _, now, _, err := s.x.picture(ctx, k)
			if err != nil {
				return fmt.Errorf("compare foreign key %s of %s: %w", k.Name, k.called, err)
			}
			if now != k.was {
				return fmt.Errorf("foreign key %s of %s did not come back as it was", k.Name, k.called)
			}
		}
		return nil
	})
}

// keysHold makes sure that the keys which were put back are what they were: what
// came since may have done the same to them, and differently.
func (x *tx) keysHold(ctx context.Context) error {
	for _, k := range x.again {
		_, _, now, _, err := x.picture(ctx, k)
		if err == nil && now != k.was {
			err = errors.New("something changed it since")
		}
		if err != nil {
			return fmt.Errorf("foreign key %s of %s is not what it was before the TRUNCATE: %w", k.Name, k.called, err)
		}
	}
	return nil
}
