package db

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"reflect"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// bind gives the statement its arguments. Texts and blobs lie in the scratch
// memory, which stays as it is until the statement has ended.
func (c *liteConn) bind(s uintptr, args []any) error {
	if n := int(sqlite3.Xsqlite3_bind_parameter_count(c.tls, s)); n != len(args) {
		return fmt.Errorf("db: %d arguments for %d placeholders", len(args), n)
	}
	plain := make([]any, 0, 24) // on the stack for nearly every statement
	size := 0
	for i, a := range args {
		v, err := plainOf(a)
		if err != nil {
			return fmt.Errorf("argument %d: %w", i+1, err)
		}
		switch v := v.(type) {
		case string:
			size += len(v)
		case []byte:
			size += len(v)
		}
		plain = append(plain, v)
	}
	at, err := c.scratch.room(c.tls, size)
	if err != nil {
		return err
	}
	for i, v := range plain {
		n := int32(i + 1)
		var rc int32
		switch v := v.(type) {
		case nil:
			rc = sqlite3.Xsqlite3_bind_null(c.tls, s, n)
		case int64:
			rc = sqlite3.Xsqlite3_bind_int64(c.tls, s, n, v)
		case string:
			copy(libc.GoBytes(at, len(v)), v)
			rc = sqlite3.Xsqlite3_bind_text(c.tls, s, n, at, int32(len(v)), sqlite3.SQLITE_STATIC)
			at += uintptr(len(v))
		case []byte:
			copy(libc.GoBytes(at, len(v)), v)
			rc = sqlite3.Xsqlite3_bind_blob(c.tls, s, n, at, int32(len(v)), sqlite3.SQLITE_STATIC)
			at += uintptr(len(v))
		}
		if rc != sqlite3.SQLITE_OK {
			return c.fault(rc)
		}
	}
	return nil
}

// plainOf returns an argument as nil, int64, string or []byte.
func plainOf(a any) (any, error) {
	switch v := a.(type) {
	case nil, int64, string:
		return a, nil
	case []byte:
		if v == nil {
			return nil, nil
		}
		return v, nil
	case int:
		return int64(v), nil
	case bool:
		if v {
			return int64(1), nil
		}
		return int64(0), nil
	case driver.Valuer:
		inner, err := v.Value()
		if err != nil {
			return nil, err
		}
		return plainOf(inner)
	}
	switch v := reflect.ValueOf(a); v.Kind() {
	case reflect.String:
		return v.String(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int(), nil
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return int64(v.Uint()), nil
	case reflect.Bool:
		return plainOf(v.Bool())
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return plainOf(v.Bytes())
		}
	case reflect.Pointer:
		if v.IsNil() {
			return nil, nil
		}
		return plainOf(v.Elem().Interface())
	}
	return nil, fmt.Errorf("db: a %T is no value of a column", a)
}

// liteRow is the row at which a statement stands.
type liteRow struct {
	tls *libc.TLS
	s   uintptr
}

// Scan reads the columns in order. NULL is read only by what can hold it: a
// []byte, a pointer to a pointer, or a sql.Scanner.
func (r liteRow) Scan(dest ...any) error {
	if n := int(sqlite3.Xsqlite3_data_count(r.tls, r.s)); n != len(dest) {
		return fmt.Errorf("db: %d columns for %d values", n, len(dest))
	}
	for i, d := range dest {
		if err := r.column(int32(i), d); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

func (r liteRow) column(i int32, dest any) error {
	kind := sqlite3.Xsqlite3_column_type(r.tls, r.s, i)
	switch d := dest.(type) {
	case *string:
		if kind == sqlite3.SQLITE_TEXT {
			*d = r.text(i)
			return nil
		}
	case *int64:
		if kind == sqlite3.SQLITE_INTEGER {
			*d = sqlite3.Xsqlite3_column_int64(r.tls, r.s, i)
			return nil
		}
	case *[]byte:
		switch kind {
		case sqlite3.SQLITE_BLOB, sqlite3.SQLITE_TEXT:
			*d = r.bytes(i)
			return nil
		case sqlite3.SQLITE_NULL:
			*d = nil
			return nil
		}
	case *bool:
		if kind == sqlite3.SQLITE_INTEGER {
			*d = sqlite3.Xsqlite3_column_int64(r.tls, r.s, i) != 0
			return nil
		}
	case *Time:
		switch kind {
		case sqlite3.SQLITE_INTEGER:
			return d.Scan(sqlite3.Xsqlite3_column_int64(r.tls, r.s, i))
		case sqlite3.SQLITE_NULL:
			return d.Scan(nil)
		}
	case sql.Scanner:
		v, err := r.any(i, kind)
		if err != nil {
			return err
		}
		return d.Scan(v)
	}
	return r.reflected(i, kind, dest)
}

// reflected reads a column into a type of another name.
func (r liteRow) reflected(i, kind int32, dest any) error {
	p := reflect.ValueOf(dest)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return fmt.Errorf("db: a %T can't be scanned into", dest)
	}
	v := p.Elem()
	switch v.Kind() {
	case reflect.String:
		if kind == sqlite3.SQLITE_TEXT {
			v.SetString(r.text(i))
			return nil
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n := sqlite3.Xsqlite3_column_int64(r.tls, r.s, i)
		if kind == sqlite3.SQLITE_INTEGER && !v.OverflowInt(n) {
			v.SetInt(n)
			return nil
		}
	case reflect.Bool:
		if kind == sqlite3.SQLITE_INTEGER {
			v.SetBool(sqlite3.Xsqlite3_column_int64(r.tls, r.s, i) != 0)
			return nil
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 && (kind == sqlite3.SQLITE_BLOB || kind == sqlite3.SQLITE_TEXT) {
			v.SetBytes(r.bytes(i))
			return nil
		}
	case reflect.Pointer:
		if kind == sqlite3.SQLITE_NULL {
			v.SetZero()
			return nil
		}
		inner := reflect.New(v.Type().Elem())
		if err := r.column(i, inner.Interface()); err != nil {
			return err
		}
		v.Set(inner)
		return nil
	case reflect.Interface:
		got, err := r.any(i, kind)
		if err == nil {
			v.Set(reflect.ValueOf(&got).Elem())
		}
		return err
	}
	return fmt.Errorf("db: a column of type %d can't be read into a %T", kind, dest)
}

// any returns a column as nil, int64, string or []byte.
func (r liteRow) any(i, kind int32) (any, error) {
	switch kind {
	case sqlite3.SQLITE_NULL:
		return nil, nil
	case sqlite3.SQLITE_INTEGER:
		return sqlite3.Xsqlite3_column_int64(r.tls, r.s, i), nil
	case sqlite3.SQLITE_TEXT:
		return r.text(i), nil
	case sqlite3.SQLITE_BLOB:
		return r.bytes(i), nil
	}
	return nil, fmt.Errorf("db: a column of type %d", kind)
}

// text copies a text: the library's is gone with the row.
func (r liteRow) text(i int32) string {
	p := sqlite3.Xsqlite3_column_text(r.tls, r.s, i)
	n := int(sqlite3.Xsqlite3_column_bytes(r.tls, r.s, i))
	if p == 0 || n == 0 {
		return ""
	}
	return string(libc.GoBytes(p, n))
}

// bytes copies a blob, which is empty and not nil where it isn't NULL.
func (r liteRow) bytes(i int32) []byte {
	p := sqlite3.Xsqlite3_column_blob(r.tls, r.s, i)
	n := int(sqlite3.Xsqlite3_column_bytes(r.tls, r.s, i))
	b := make([]byte, n)
	if p != 0 {
		copy(b, libc.GoBytes(p, n))
	}
	return b
}
