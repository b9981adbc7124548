/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bank.c - a checkpoint every second, under load; kill -9; and on from the
 * last one.
 *
 *	cc bank.c $(pkg-config --cflags --libs mipc)
 *	./bank DIRECTORY CHECKPOINT
 *
 * Clerks move money between accounts, which are semaphores of one set: each
 * transfer is one operation on two of them.  The keeper counts checkpoints in
 * a segment and in a queue, and takes one each second.  Then all of them are
 * killed, wherever they are, the bank is restored from the last checkpoint
 * that was told of, and its books are looked at: no money is missing, and
 * counters and queue are those of that checkpoint.  And again from there.
 */
#include <mipc.h>

#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ACCOUNTS	8
#define EACH		1000	/* in an account at the beginning */
#define CLERKS		2
#define RUNS		2	/* each is killed */
#define CHECKPOINTS	2	/* in each */
#define KEY		1

/* Numbers of checkpoints: the one that is taken, and the last one told of. */
struct ledger {
	long taken, told;
};

struct bank {
	struct mipc_ns *ns;
	int accounts, log;
	struct ledger *ledger;
};

static void
fail(const char *what)
{
	fprintf(stderr, "bank: %s: %s\n", what, mipc_reason());
	perror("bank");
	exit(EXIT_FAILURE);
}

static struct bank
enter(const char *dir)
{
	struct bank bank = { .ns = mipc_open(dir, MIPC_CREAT) };
	int id;

	if (bank.ns == NULL)
		fail(dir);
	id = mipc_shmget(bank.ns, KEY, sizeof(struct ledger),
	    IPC_CREAT | 0600);
	bank.accounts = mipc_semget(bank.ns, KEY, ACCOUNTS, IPC_CREAT | 0600);
	bank.log = mipc_msgget(bank.ns, KEY, IPC_CREAT | 0600);
	bank.ledger = mipc_shmat(bank.ns, id, NULL, 0);
	if (bank.accounts == -1 || bank.log == -1 || bank.ledger == (void *)-1)
		fail("no bank");
	return bank;
}

/* Until the keeper is gone; the bank does not open without him. */
static void
move_money(const struct bank *bank, pid_t keeper, unsigned seed)
{
	for (; getppid() == keeper; seed = seed * 1103515245 + 12345) {
		struct sembuf transfer[2] = {
			{ .sem_num = (unsigned short)(seed >> 16) % ACCOUNTS },
			{ .sem_num = (unsigned short)(seed >> 20) % ACCOUNTS },
		};
		short amount = (short)(seed >> 24 & 15);

		transfer[0].sem_op = (short)-amount;
		transfer[0].sem_flg = IPC_NOWAIT;	/* or it is not done */
		transfer[1].sem_op = amount;
		mipc_semop(bank->ns, bank->accounts, transfer, 2);
	}
	_exit(EXIT_SUCCESS);
}

/* Whoever is told a number may count on its checkpoint. */
static void
keep_books(const struct bank *bank, const char *file, int tell)
{
	const struct {
		long type;
	} entry = { 1 };

	for (;;) {
		sleep(1);
		bank->ledger->taken++;
		if (mipc_msgsnd(bank->ns, bank->log, &entry, 0, 0) == -1)
			fail("mipc_msgsnd");
		if (mipc_checkpoint(bank->ns, file, 1, NULL) == -1)
			fail(file);
		bank->ledger->told = bank->ledger->taken;
		if (write(tell, &bank->ledger->told, sizeof(long)) == -1)
			fail("write");
	}
}

static pid_t
open_bank(const char *dir, const char *file, int tell)
{
	struct bank bank;
	pid_t pid = fork(), keeper = getpid();

	if (pid != 0)
		return pid;
	setpgid(0, 0);		/* to be killed together */
	bank = enter(dir);
	for (int i = 0; i < ACCOUNTS && bank.ledger->taken == 0; i++)
		mipc_semctl(bank.ns, bank.accounts, i, SETVAL, EACH);
	for (unsigned clerk = 1; clerk <= CLERKS; clerk++)
		if (fork() == 0)
			move_money(&bank, keeper, clerk);
	keep_books(&bank, file, tell);
	exit(EXIT_FAILURE);
}

/* Run until there are CHECKPOINTS more, and kill; the last one's number. */
static long
run_and_kill(const char *dir, const char *file)
{
	long number, last = 0;
	int told[2], more = CHECKPOINTS;
	pid_t pid;

	if (pipe(told) == -1 || (pid = open_bank(dir, file, told[1])) == -1)
		fail("the bank does not open");
	close(told[1]);
	/* It ends when everybody is dead: each of them may tell. */
	while (read(told[0], &number, sizeof(number)) == sizeof(number)) {
		last = number;
		if (--more == 0)
			kill(-pid, SIGKILL);
	}
	close(told[0]);
	waitpid(pid, NULL, 0);
	return more == 0 ? last : 0;
}

/* Is all of it as it was when checkpoint `last` was taken? */
static int
is_whole(const char *dir, long last)
{
	struct bank bank = enter(dir);
	struct msqid_ds log;
	struct ledger ledger = *bank.ledger;
	long money = 0;

	for (int i = 0; i < ACCOUNTS; i++)
		money += mipc_semctl(bank.ns, bank.accounts, i, GETVAL);
	if (mipc_msgctl(bank.ns, bank.log, IPC_STAT, &log) == -1)
		fail("mipc_msgctl");
	printf("%ld in all accounts\n", money);
	mipc_shmdt(bank.ns, bank.ledger);
	mipc_close(bank.ns);
	/* One may be on disk, of which there was no time to tell. */
	return money == EACH * ACCOUNTS && last > 0 &&
	    (ledger.taken == last || ledger.taken == last + 1) &&
	    ledger.told == ledger.taken - 1 &&
	    (long)log.msg_qnum == ledger.taken;
}

int
main(int argc, char **argv)
{
	long last;

	if (argc != 3) {
		fprintf(stderr, "usage: bank DIRECTORY CHECKPOINT\n");
		return 2;
	}
	for (int run = 0; run < RUNS; run++) {
		last = run_and_kill(argv[1], argv[2]);
		if (mipc_restore(argv[2], argv[1], NULL) == -1)
			fail(argv[2]);
		if (!is_whole(argv[1], last)) {
			puts("it is not what was saved");
			return EXIT_FAILURE;
		}
		printf("killed, and restored as it was\n");
		fflush(stdout);
	}
	return EXIT_SUCCESS;
}
