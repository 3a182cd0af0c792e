package webhook

import (
	"context"
	"errors"
)

// Pass works on every queue until nothing is due, one after another. False: another
// node has the lease.
func (d *Deliverer) Pass(ctx context.Context) (bool, error) {
	endpoints, err := d.turn(ctx)
	if errors.Is(err, errBusy) {
		return false, nil
	}
	for _, e := range endpoints {
		if err == nil {
			err = d.work(ctx, e)
		}
	}
	return true, err
}

// SetRoom bounds each queue.
func (d *Deliverer) SetRoom(n int64) { d.room = n }

// Lease is how long a node may be silent.
const Lease = leaseTime
