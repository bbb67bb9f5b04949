// A picture as a small file.

package main

import (
	"cmp"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"slices"
)

// save writes a PNG of 256 colours, which is a third as large. There are hardly more: the rest are shades of the edges of letters.
func save(picture image.Image, file string) error {
	created, err := os.Create(file)
	if err != nil {
		return err
	}
	defer created.Close()
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(created, paletted(picture)); err != nil {
		return err
	}
	return created.Close()
}

// paletted is a picture of its most frequent colours, with the nearest of them in place of the others.
func paletted(picture image.Image) *image.Paletted {
	bounds := picture.Bounds()
	count := map[color.RGBA]int{}
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA) }
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			count[at(x, y)]++
		}
	}
	colors := slices.SortedFunc(maps.Keys(count), func(a, b color.RGBA) int {
		// As many of one as of another are in a fixed order all the same, so that the file is.
		return cmp.Or(count[b]-count[a], int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B))
	})
	var frequent color.Palette
	for _, one := range colors[:min(len(colors), 256)] {
		frequent = append(frequent, one)
	}
	nearest := map[color.RGBA]uint8{}
	for _, one := range colors {
		nearest[one] = uint8(frequent.Index(one))
	}
	result := image.NewPaletted(bounds, frequent)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			result.SetColorIndex(x, y, nearest[at(x, y)])
		}
	}
	return result
}
