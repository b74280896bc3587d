/*
 * victim - wait in peace, while poke writes into our memory.
 *
 * Says where its text is, sleeps until a line is typed, and shows the text once
 * more. It has shared nothing with anybody. Where Yama lets only parents touch
 * their children, "open" lets everybody of the same user in.
 *
 * See process_vm_writev(2), ptrace(2), prctl(2), PR_SET_PTRACER.
 */
#define _POSIX_C_SOURCE 200809L

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "contract.h"

static void
usage(FILE *stream, int status)
{
    fputs("usage: victim [open]\n"
          "Show a text, wait for a line to be typed, show the text again.\n",
          stream);
    exit(status);
}

int
main(int argc, char *argv[])
{
    /* volatile: nobody that the compiler knows of will change it. */
    static volatile char text[POKE_BYTES] = "mine";
    char line[100];
    ssize_t got;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc == 2 && strcmp(argv[1], "open") == 0)
        prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY); /* fails without Yama */
    else if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);

    printf("poke %ld %p HACKED!\n", (long)getpid(), (void *)text);
    printf("before: %s\n", (const char *)text);
    warnx("read: sleeps until a line is typed");
    do
        got = read(STDIN_FILENO, line, sizeof(line));
    while (got > 0 && memchr(line, '\n', (size_t)got) == NULL);
    if (got == -1)
        err(EXIT_FAILURE, "read standard input");
    text[POKE_BYTES - 1] = '\0'; /* who knows what was written */
    printf("after: %s\n", (const char *)text);

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
