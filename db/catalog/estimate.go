package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tminus/phases/schema"
)

// Estimate asks the planner how many rows each condition of a runbook's deletes
// holds for, and notes those that the server refuses. surround gives the
// transaction the settings that the phases will have; in the end they are as before. It plans
// the conditions, and runs none.
func Estimate(ctx context.Context, q Querier, n *schema.Named, surround func(context.Context) error) error {
	asked := map[schema.Estimate]bool{}
	for i := range n.Book.Phases {
		for _, step := range n.Book.Phases[i].Steps {
			r := n.Find(step.Delete)
			if step.Where == "" || r == nil || !r.Rights.Usage || !r.Rights.Select {
				continue
			}
			e := schema.Estimate{Relation: r.OID, Where: step.Where}
			if asked[e] {
				continue
			}
			asked[e] = true
			if err := estimate(ctx, q, r, &e, surround); err != nil {
				return fmt.Errorf("estimate the rows of %s that match a condition: %w", step.Delete, err)
			}
			n.Schema.Estimates = append(n.Schema.Estimates, e)
		}
	}
	return nil
}

func estimate(ctx context.Context, q Querier, r *schema.Relation, e *schema.Estimate, surround func(context.Context) error) error {
	if err := each(ctx, q, `SAVEPOINT tminus_estimate`, nil, func() {}); err != nil {
		return err
	}
	if err := surround(ctx); err != nil {
		return err
	}
	var plan []byte
	err := q.QueryRow(ctx, `EXPLAIN (FORMAT JSON) SELECT FROM `+pgx.Identifier{r.Schema, r.Name}.Sanitize()+" WHERE ("+e.Where+"\n)").Scan(&plan)
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		e.Refused, err = refused.Message, nil
	}
	if err != nil {
		return err
	}
	for _, sql := range []string{`ROLLBACK TO SAVEPOINT tminus_estimate`, `RELEASE SAVEPOINT tminus_estimate`} {
		if err := each(ctx, q, sql, nil, func() {}); err != nil {
			return err
		}
	}
	if e.Refused != "" {
		return nil
	}
	var plans []struct {
		Plan struct {
			Rows float64 `json:"Plan Rows"`
		}
	}
	if err := json.Unmarshal(plan, &plans); err != nil || len(plans) != 1 {
		return fmt.Errorf("read the plan: %w", errors.Join(err, fmt.Errorf("%d plans", len(plans))))
	}
	e.Rows = plans[0].Plan.Rows
	return nil
}
