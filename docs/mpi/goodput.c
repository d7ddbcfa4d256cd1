/* Rank 0 sends messages to rank 1, which prints the rate at which it receives them: goodput [ROUNDS [BYTES]] */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

enum { AT_ONCE = 4, WARMING = 2 }; /* messages of a round; the first rounds, which do not count */

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 10, bytes = argc > 2 ? atoi(argv[2]) : 1 << 18, rank;
    MPI_Request requests[AT_ONCE];
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    char *data = calloc(AT_ONCE, bytes);
    double start = 0;
    for (int round = 0; round < WARMING + rounds; round++) {
        if (round == WARMING) start = MPI_Wtime();
        for (int slot = 0; slot < AT_ONCE; slot++) {
            char *message = data + slot * bytes;
            if (rank == 0) MPI_Isend(message, bytes, MPI_BYTE, 1, 0, MPI_COMM_WORLD, &requests[slot]);
            if (rank == 1) MPI_Irecv(message, bytes, MPI_BYTE, 0, 0, MPI_COMM_WORLD, &requests[slot]);
        }
        MPI_Waitall(AT_ONCE, requests, MPI_STATUSES_IGNORE);
    }
    double seconds = MPI_Wtime() - start, received = (double)rounds * AT_ONCE * bytes;
    if (rank == 1) printf("%.2f Mbit/s\n", received * 8 / seconds / 1e6);
    MPI_Finalize();
}
