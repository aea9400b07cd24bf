module sluice-mesh.io/sluice/bench/runtime

go 1.24
