package descriptors

import "iter"

// indexed is what protoreflect's many list types have in common.
type indexed[T any] interface {
	Len() int
	Get(int) T
}

func each[T any](items indexed[T]) iter.Seq[T] {
	return func(yield func(T) bool) {
		for i := range items.Len() {
			if !yield(items.Get(i)) {
				return
			}
		}
	}
}

func list[T any](items indexed[T]) []T {
	var all []T
	for item := range each(items) {
		all = append(all, item)
	}
	return all
}
