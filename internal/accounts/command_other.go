//go:build !linux

package accounts

import (
	"context"
	"errors"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/keeper"
)

// OfCommand is for Linux.
func OfCommand(
	context.Context, keeper.Spec, func(*keeper.Process) error,
) (event.Form, error) {
	return nil, errors.ErrUnsupported
}
