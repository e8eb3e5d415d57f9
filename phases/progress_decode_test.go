package phases

import (
	"encoding/json"
	"reflect"
	"testing"
)

// What is read quickly is read as encoding/json reads it.
func FuzzDecodeProgress(f *testing.F) {
	for _, e := range []TableProgressed{
		{},
		{Phase: "p", Step: 3, Deleted: 5},
		{Phase: "p", BlocksDone: 1, BlocksTotal: 2},
		{Phase: "p", BlocksTotal: 9},
		{Phase: "p", Step: -1, Deleted: 1 << 62, Touched: map[string]Touched{"a": {Deleted: 7}, "b.c": {Inserted: 1, Updated: 2, Deleted: 3}, "d": {}, "e": {Updated: 1}}},
		{Phase: "a\"b<\u00e4\\", Touched: map[string]Touched{"ä": {Deleted: 1}}},
		{Touched: map[string]Touched{}},
	} {
		raw, err := json.Marshal(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	for _, odd := range []string{
		``, `{}`, `{"phase":"p","step":0,"deleted":01}`, `{"phase":"p","step":0,"deleted":1}x`, `{"phase":"p","step":0,"deleted":1,"deleted":2}`, `{"phase":"p","step":0,"deleted":`,
		`{"phase":"p","step":0,"deleted":99999999999999999999}`, `{"phase":"p","step":0,"deleted":-0}`, `{"phase":"p","step":0,"deleted":1.5}`, `{"phase":"p","step":0,"deleted":1,"touched":{"a":{}}}`,
		`{"phase":"p","step":0,"deleted":1,"touched":{"a":{},}}`, `{"phase":"p","step":0,"deleted":1,"touched":{"a":{"deleted":1},"a":{"updated":1}}}`, `{"phase":"p","step":0,"deleted":1,"touched":{"a":{,"deleted":1}}}`,
		`{"phase":"p","step":0,"deleted":1,"touched":{"a":`, `{"phase":"p`,
	} {
		f.Add([]byte(odd))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, ok := decodeProgress(data)
		if !ok {
			return
		}
		var want TableProgressed
		if err := json.Unmarshal(data, &want); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %+v, by encoding/json %+v, %v", data, got, want, err)
		}
	})
}

// What this program writes is read quickly.
func TestProgressIsReadQuickly(t *testing.T) {
	for _, e := range []TableProgressed{
		{Phase: "p", Step: 3, Deleted: 5},
		{Phase: "phase-2", Deleted: 5, BlocksDone: 1, BlocksTotal: 2, Touched: map[string]Touched{"a": {Deleted: 7}, "b.c": {Inserted: 1, Updated: 2, Deleted: 3}, "e": {Updated: 1}}},
	} {
		raw, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := decodeProgress(raw); !ok || !reflect.DeepEqual(got, e) {
			t.Errorf("%s is %+v, %v", raw, got, ok)
		}
	}
}
