package services

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
)

// healthLimit bounds the question to the database.
const healthLimit = 2 * time.Second

// health answers as the application's health check: 200 while the database
// answers it, and 503 otherwise.
func (s *Services) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), healthLimit)
	defer cancel()
	status := map[string]string{"status": "ok", "database": "ok"}
	code := http.StatusOK
	if err := ask(ctx, s.dsn); err != nil {
		status = map[string]string{"status": "failing", "database": "does not answer"}
		code = http.StatusServiceUnavailable
		s.log.Error("the database does not answer", "why", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(status) // a client that is gone needs no answer
}

// ask has the database answer one query, on a connection of its own: none is
// left open beside a run, whose checklist counts them.
func ask(ctx context.Context, dsn string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var one int
	return conn.QueryRow(ctx, "SELECT 1").Scan(&one)
}
