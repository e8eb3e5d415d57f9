package services

import (
	"context"
	"net/http"

	"github.com/jackc/pgx/v5"
)

// memberships answers as the application's list of active memberships, the first
// hundred.
func (s *Services) memberships(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), healthLimit)
	defer cancel()
	active, err := s.activeMemberships(ctx)
	if err != nil {
		s.log.Error("the memberships cannot be read", "why", err)
		http.Error(w, `{"error": "the memberships cannot be read"}`, http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(active)) // a client that is gone needs no answer
}

func (s *Services) activeMemberships(ctx context.Context) (list string, err error) {
	conn, err := pgx.Connect(ctx, s.dsn)
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	err = conn.QueryRow(ctx, `SELECT coalesce(json_agg(m), '[]')::text FROM (
		SELECT id, user_id, package_id, status, end_date FROM public.memberships
		WHERE status = 'active' AND is_active ORDER BY id LIMIT 100) AS m`).Scan(&list)
	return list, err
}
